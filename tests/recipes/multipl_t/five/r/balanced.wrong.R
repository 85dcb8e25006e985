balanced <- function(text) {
  partner <- c(")" = "(", "]" = "[", "}" = "{")
  stack <- c()
  for (c in strsplit(text, "")[[1]]) {
    if (c %in% partner) {
      stack <- append(stack, c)
    } else if (c %in% names(partner)) {
      if (length(stack) == 0) {
        return(FALSE)
      }
      stack <- head(stack, -1)
    }
  }
  length(stack) == 0
}
