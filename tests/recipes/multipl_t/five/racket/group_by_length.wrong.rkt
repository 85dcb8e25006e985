#lang racket

(define (group_by_length words)
  (for/fold ([groups (hash)]) ([word words])
    (hash-update groups (string-length word) (lambda (group) (cons word group)) '())))
