#lang racket

(define (swap_pairs pairs)
  (for/list ([pair pairs]
             #:unless (negative? (first pair)))
    (reverse pair)))
