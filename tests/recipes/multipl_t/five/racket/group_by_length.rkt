#lang racket

(define (group_by_length words)
  (for/fold ([groups (hash)]) ([word (reverse words)])
    (hash-update groups (string-length word) (lambda (group) (cons word group)) '())))
