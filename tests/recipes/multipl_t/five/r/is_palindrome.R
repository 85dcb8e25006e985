is_palindrome <- function(text) {
  letters <- strsplit(tolower(gsub("[^A-Za-z]", "", text)), "")[[1]]
  all(letters == rev(letters))
}
