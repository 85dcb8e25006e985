def is_palindrome(text):
    letters = [c for c in text if "a" <= c <= "z"]
    return letters == letters[::-1]
