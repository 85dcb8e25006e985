format_duration <- function(seconds) {
  sign <- if (seconds < 0) "-" else ""
  seconds <- abs(seconds)
  hours <- seconds %/% 3600
  minutes <- round(seconds / 60) %% 60
  if (hours > 0) {
    sprintf("%s%d:%02d:%02d", sign, hours, minutes, seconds %% 60)
  } else {
    sprintf("%s%d:%02d", sign, minutes, seconds %% 60)
  }
}
