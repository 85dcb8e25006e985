flatten_rows <- function(rows, skip_negative) {
  flat <- unlist(rows)
  flat
}
