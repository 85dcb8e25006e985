is_palindrome <- function(text) {
  letters <- strsplit(tolower(gsub("[^A-Za-z]", "", text)), "")[[1]]
  letters[1] == letters[length(letters)]
}
