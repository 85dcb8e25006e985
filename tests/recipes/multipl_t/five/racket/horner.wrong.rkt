#lang racket

(define (horner coefficients x)
  (for/fold ([value 1.0]) ([coefficient coefficients])
    (+ (* value x) coefficient)))
