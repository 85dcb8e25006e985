#lang racket

(define (horner coefficients x)
  (for/fold ([value 0.0]) ([coefficient coefficients])
    (+ (* value x) coefficient)))
