#lang racket

(define (clamp_all xs low high)
  (for/list ([x xs])
    (cond
      [(< x low) low]
      [(> x high) high]
      [else x])))
