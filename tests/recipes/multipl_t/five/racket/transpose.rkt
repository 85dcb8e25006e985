#lang racket

(define (transpose matrix)
  (if (or (empty? matrix) (ormap empty? matrix))
      '()
      (cons (map first matrix) (transpose (map rest matrix)))))
