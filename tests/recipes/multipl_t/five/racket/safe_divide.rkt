#lang racket

(define (safe_divide a b)
  (cond
    [(not b) a]
    [(zero? b) #f]
    [else (/ a b)]))
