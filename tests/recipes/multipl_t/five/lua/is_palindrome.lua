local function is_palindrome(text)
  local letters = text:gsub("[^A-Za-z]", ""):lower()
  return letters == letters:reverse()
end
