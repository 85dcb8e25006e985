def digit_sum(n):
    n = abs(n)
    while n > 9:
        n = sum(map(int, str(n)))
    return n
