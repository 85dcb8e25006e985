#lang racket

(define (count_subsets numbers target)
  (match numbers
    ['() (if (zero? target) 1 0)]
    [(cons x rest) (+ (count_subsets rest target) (count_subsets rest (- target x)))]))
