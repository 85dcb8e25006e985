#lang racket

(define (chunked items size)
  (cond
    [(or (< size 1) (empty? items)) '()]
    [(< (length items) size) (list items)]
    [else (cons (take items size) (chunked (drop items size) size))]))
