#lang racket

(define (is_palindrome text)
  (define letters (string->list (string-downcase (string-replace text #rx"[^A-Za-z]" ""))))
  (equal? letters (reverse letters)))
