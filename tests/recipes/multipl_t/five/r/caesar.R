caesar <- function(text, shift) {
  codes <- utf8ToInt(text)
  for (base in c(97, 65)) {
    here <- codes >= base & codes < base + 26
    codes[here] <- (codes[here] - base + shift) %% 26 + base
  }
  intToUtf8(codes)
}
