#lang racket

(define (fibonacci_upto limit)
  (let loop ([a 0] [b 1])
    (if (>= a limit)
        '()
        (cons a (loop b (+ a b))))))
