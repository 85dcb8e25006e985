clamp_all <- function(xs, low, high) {
  ifelse(xs < low, low, ifelse(xs > high, high, xs))
}
