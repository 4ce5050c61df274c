// Package orderfile reads order files (订单文件): CSV, plain or gzipped, into order and refund
// records. It is a pure streaming parser: it knows no database, changes nothing, and holds one row,
// one order and 16 bytes for each order number in memory, whatever the size of the file.
//
// # Shapes
//
// A file that maps amount and none of sku, name, quantity and price has one row an order. Any other is
// a line file (明细): adjacent rows with the same order number are the lines of one order.
//
//   - Without an amount column a line's amount is quantity × price, exact, with up to four decimals in
//     the price and one rounding (half up) on the line's total.
//   - With an amount column the amount is the row's own, never the order's total repeated on each row:
//     where quantity and price are there too, an amount above quantity × price is refused.
//
// # Refunds
//
// A negative quantity, price or amount, or an order number with the refund prefix, makes a refund; its
// quantities and amounts are positive. Where one order number has rows of both signs, the negative
// ones become the refund "<no>#r" of the original "<no>". A line of price or quantity zero is kept with
// amount zero.
//
// # What is refused
//
// A wrong row is handed out as a record of kind Refused with its line, code and reason, and
// reading goes on. A wrong row inside an order refuses the whole order, in one report. A row whose
// order number can't be read belongs, in a line file, to the order before it. A number that comes back
// after its order was closed is refused unless its rows are the very same as before; then the order
// is handed out again, for the importer takes each number only once anyway.
//
// A row that has too few columns or an open quote at the very end, without a line end, means that the
// file was cut off: Next then fails with ErrTruncated and the order being read is not handed out.
//
// Text cells that a spreadsheet would run as a formula (they begin with = + - @, a tab or a
// carriage return) are refused, except names, which are kept literally because only exports are
// dangerous, and member numbers that are a plus and digits, which are telephone numbers.
//
// # Encoding
//
// UTF-8, with or without a byte order mark. GB18030 (and so GBK and GB2312) is recognised by the first
// block that has other than ASCII; it is converted when Options.Encoding is Auto, and refused
// otherwise.
package orderfile
