#lang racket

(define (gcd_all numbers)
  (apply gcd numbers))
