#lang racket

(define (rotate words k left)
  (cond
    [(empty? words) '()]
    [else
     (define-values (head tail) (split-at words (modulo (if left k (- k)) (length words))))
     (append tail head)]))
