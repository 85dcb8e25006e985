to_binary <- function(n) {
  if (n < 0) {
    return(paste0("-", to_binary(-n)))
  }
  if (n < 2) {
    return(as.character(n))
  }
  paste0(to_binary(n %/% 2), n %% 2)
}
