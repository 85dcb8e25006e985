def is_palindrome(text):
    letters = [c for c in text.lower() if "a" <= c <= "z"]
    return letters == letters[::-1]
