#lang racket

(define (safe_divide a b)
  (cond
    [(not b) a]
    [(zero? b) 0.0]
    [else (/ a b)]))
