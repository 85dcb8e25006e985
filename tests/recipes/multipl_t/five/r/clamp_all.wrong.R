clamp_all <- function(xs, low, high) {
  pmin(pmax(xs, low), high)
}
