def clamp_all(xs, low, high):
    return [min(max(x, low), high) for x in xs]
