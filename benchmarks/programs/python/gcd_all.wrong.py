def gcd_all(numbers):
    divisor = 0
    for number in numbers:
        a, b = divisor, number
        while b:
            a, b = b, a % b
        divisor = a
    return divisor
