def clamp_all(xs, low, high):
    return [max(x, low) for x in xs]
