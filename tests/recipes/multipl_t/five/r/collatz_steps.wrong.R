collatz_steps <- function(n) {
  steps <- 0
  while (n > 2) {
    n <- if (n %% 2 == 0) n / 2 else 3 * n + 1
    steps <- steps + 1
  }
  steps
}
