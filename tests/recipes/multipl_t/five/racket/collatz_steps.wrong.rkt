#lang racket

(define (collatz_steps n)
  (let loop ([n n] [steps 0])
    (cond
      [(<= n 1) steps]
      [(even? n) (loop (quotient n 2) (+ steps 1))]
      [else (loop (+ n 1) (+ steps 1))])))
