function is_palindrome(text::String)::Bool
    letters = lowercase(filter(c -> 'a' <= c <= 'z', text))
    return letters == reverse(letters)
end
