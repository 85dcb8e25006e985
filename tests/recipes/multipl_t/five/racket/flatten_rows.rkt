#lang racket

(define (flatten_rows rows skip_negative)
  (for*/list ([row rows]
              [number row]
              #:unless (and skip_negative (negative? number)))
    number))
