fibonacci_upto <- function(limit) {
  numbers <- c()
  a <- 0
  b <- 1
  while (a <= limit) {
    numbers <- c(numbers, a)
    following <- a + b
    a <- b
    b <- following
  }
  numbers
}
