digit_sum <- function(n) {
  n <- abs(n)
  if (n < 10) {
    return(n)
  }
  total <- 0
  while (n > 0) {
    total <- total + n %% 10
    n <- n %/% 10
  }
  digit_sum(total)
}
