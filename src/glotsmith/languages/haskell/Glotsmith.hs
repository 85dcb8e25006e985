-- A package of its own, made once a machine: what the drivers of all programs share.
module Glotsmith (run, test, int, float, str, bool, unit, list, tuple, dict, option) where

import Control.Exception (SomeException, evaluate, fromException, try)
import Control.Monad (when)
import Data.Bits (shiftR, (.&.), (.|.))
import Data.Char (ord)
import Data.IORef (IORef, newIORef, readIORef, writeIORef)
import Data.List (intersperse)
import Data.Word (Word8)
import Foreign.C.Types (CInt (..), CSize (..))
import Foreign.Marshal.Array (withArrayLen)
import Foreign.Ptr (Ptr, plusPtr)
import Numeric (showHex)
import System.Exit (ExitCode (..))
import System.IO (hFlush, stdout)
import System.IO.Unsafe (unsafePerformIO)
import System.Posix.Types (CSsize (..))

foreign import ccall unsafe "dup" c_dup :: CInt -> IO CInt
foreign import ccall safe "write" c_write :: CInt -> Ptr Word8 -> CSize -> IO CSsize
foreign import ccall unsafe "_exit" c_exit :: CInt -> IO ()

-- | The mark, and a second way to stdout: the program may close its own.
out :: IORef (String, CInt)
out = unsafePerformIO (newIORef ("", 1))
{-# NOINLINE out #-}

run :: String -> IO () -> IO ()
run mark cases = do
  descriptor <- c_dup 1
  writeIORef out (mark, descriptor)
  emit "start"
  emit "loaded"
  cases
  emit "end"
  c_exit 0

-- | Results are lazy: one is forced to its last character while exceptions are still caught.
test :: Int -> (() -> ShowS) -> IO ()
test index call = do
  done <- try (force (call () ""))
  case done of
    Right value -> emit ("value " ++ show index ++ " " ++ value)
    Left problem -> do
      leave (fromException problem)
      said <- try (force (take 2000 (show (problem :: SomeException))))
      let unknown = const "an exception that can't be shown" :: SomeException -> String
      emit ("raised " ++ show index ++ " " ++ str (either unknown id said) "")

force :: String -> IO String
force text = evaluate (foldl (flip seq) () text `seq` text)

leave :: Maybe ExitCode -> IO ()
leave Nothing = pure ()
leave (Just code) = do
  flush
  c_exit (case code of ExitSuccess -> 0; ExitFailure n -> fromIntegral n)

flush :: IO ()
flush = do
  done <- try (hFlush stdout) :: IO (Either SomeException ())
  done `seq` pure ()

emit :: String -> IO ()
emit text = do
  flush
  (mark, descriptor) <- readIORef out
  withArrayLen (concatMap utf8 ("\n" ++ mark ++ " " ++ text ++ "\n")) (\n bytes -> write descriptor bytes n)

write :: CInt -> Ptr Word8 -> Int -> IO ()
write descriptor bytes n = when (n > 0) $ do
  written <- fromIntegral <$> c_write descriptor bytes (fromIntegral n)
  when (written < 0) (c_exit 1)
  write descriptor (bytes `plusPtr` written) (n - written)

utf8 :: Char -> [Word8]
utf8 c
  | n < 0x80 = [fromIntegral n]
  | n < 0x800 = [0xC0 .|. top 6, low 0]
  | n < 0x10000 = [0xE0 .|. top 12, low 6, low 0]
  | otherwise = [0xF0 .|. top 18, low 12, low 6, low 0]
  where
    n = ord c
    top bits = fromIntegral (n `shiftR` bits)
    low bits = 0x80 .|. (fromIntegral (n `shiftR` bits) .&. 0x3F)

-- Printers ------------------------------------------------------------------------------------------------------

int :: Int -> ShowS
int = shows

float :: Double -> ShowS
float x = showString "{\"f\":\"" . showString text . showString "\"}"
  where
    text
      | isNaN x = "nan"
      | isInfinite x = if x > 0 then "inf" else "-inf"
      | otherwise = show x

bool :: Bool -> ShowS
bool x = showString (if x then "true" else "false")

unit :: () -> ShowS
unit () = showString "null"

str :: String -> ShowS
str text = showChar '"' . foldr ((.) . char) id text . showChar '"'

char :: Char -> ShowS
char c
  | c == '"' || c == '\\' = showChar '\\' . showChar c
  | n < 32 || n == 127 || (n >= 0xD800 && n < 0xE000) = showString "\\u" . showString (hex n)
  | otherwise = showChar c
  where
    n = ord c
    hex k = let digits = showHex k "" in replicate (4 - length digits) '0' ++ digits

items :: [ShowS] -> ShowS
items = foldr (.) id . intersperse (showChar ',')

list :: (a -> ShowS) -> [a] -> ShowS
list item xs = showChar '[' . items (map item xs) . showChar ']'

tuple :: [ShowS] -> ShowS
tuple xs = showString "{\"t\":[" . items xs . showString "]}"

dict :: (k -> ShowS) -> (v -> ShowS) -> [(k, v)] -> ShowS
dict key value pairs = showString "{\"m\":" . list pair pairs . showChar '}'
  where
    pair (k, v) = showChar '[' . key k . showChar ',' . value v . showChar ']'

option :: (a -> ShowS) -> Maybe a -> ShowS
option = maybe (showString "null")
