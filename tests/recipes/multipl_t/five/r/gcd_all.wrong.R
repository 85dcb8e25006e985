gcd_all <- function(numbers) {
  divisor <- 0
  for (number in numbers) {
    a <- divisor
    b <- number
    while (b != 0) {
      rest <- a %% b
      a <- b
      b <- rest
    }
    divisor <- a
  }
  divisor
}
