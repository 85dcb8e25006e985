#lang racket

(define (gcd_all numbers)
  (apply lcm numbers))
