local function is_palindrome(text)
  local letters = text:gsub("[^A-Za-z]", "")
  return letters == letters:reverse()
end
