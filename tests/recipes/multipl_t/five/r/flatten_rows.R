flatten_rows <- function(rows, skip_negative) {
  flat <- unlist(rows)
  if (skip_negative) flat[flat >= 0] else flat
}
