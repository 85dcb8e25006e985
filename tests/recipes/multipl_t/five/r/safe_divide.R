safe_divide <- function(a, b) {
  if (is.null(b)) {
    a
  } else if (b == 0) {
    NULL
  } else {
    a / b
  }
}
