#lang racket

(define (transpose matrix)
  (if (or (empty? matrix) (ormap empty? matrix))
      '()
      (append (transpose (map rest matrix)) (list (map first matrix)))))
