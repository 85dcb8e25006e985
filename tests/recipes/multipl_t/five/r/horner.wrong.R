horner <- function(coefficients, x) {
  value <- 0
  for (coefficient in coefficients[-1]) {
    value <- value * x + coefficient
  }
  value
}
