package orderfile

import "guanxi/internal/base/fault"

// What is wrong with a whole file: New, Open or Next fails with it and reading ends.
var (
	ErrEmpty = fault.Define("orderfile.empty", fault.Invalid,
		"文件是空的，连表头都没有", "the file is empty: it has not even a header")
	ErrWorkbook = fault.Define("orderfile.workbook", fault.Invalid,
		"这是 Excel 工作簿，请另存为 CSV（UTF-8）再导入", "this is an Excel workbook: save it as CSV (UTF-8) first")
	ErrUTF16 = fault.Define("orderfile.utf16", fault.Invalid,
		"文件是 UTF-16 编码，请另存为 CSV（UTF-8）再导入", "the file is UTF-16: save it as CSV (UTF-8) first")
	ErrGzip = fault.Define("orderfile.gzip", fault.Invalid,
		"压缩文件已损坏，无法解开", "the gzip file is damaged")
	ErrTruncated = fault.Define("orderfile.truncated", fault.Invalid,
		"文件在第 {line} 行处中断，该行起的订单没有读取", "the file is cut off: the order at line {line} and what follows was not read")
	ErrHeaderTwice = fault.Define("orderfile.header_twice", fault.Invalid,
		"表头“{column}”出现了两次", "the header has the column {column} twice")
	ErrColumnMissing = fault.Define("orderfile.column_missing", fault.Invalid,
		"缺少 {field} 对应的列 {column}；文件中有：{there}", "no column {column} for {field}; the file has: {there}")
	ErrMap = fault.Define("orderfile.map", fault.Invalid,
		"列对应“{entry}”无法识别，应写成 字段=列名，字段为：{fields}", "the mapping {entry} is not field=COLUMN with a field of: {fields}")
	ErrEncodingName = fault.Define("orderfile.encoding_name", fault.Invalid,
		"编码只能是 utf-8、auto 或 gb18030", "the encoding must be utf-8, auto or gb18030")
)

// What is wrong with one row. The sentences name the column but never quote the cell: through a wrong
// mapping it could be somebody's telephone number. In the header, ErrEncoding, ErrBinary, ErrQuote, ErrRowTooLong and
// ErrFieldTooLong end the reading too, and so does ErrEncoding for a GB18030 file that may not be converted.
var (
	ErrEncoding = fault.Define("orderfile.encoding", fault.Invalid,
		"文字编码不是 UTF-8；若文件是 GBK/GB18030，请用自动识别编码导入", "the text is not UTF-8; if the file is GBK/GB18030, import it with encoding auto")
	ErrBinary = fault.Define("orderfile.binary", fault.Invalid,
		"含有控制字符，不是文本", "there are control characters: this is not text")
	ErrQuote = fault.Define("orderfile.quote", fault.Invalid,
		"引号没有正确配对", "the quotes do not match")
	ErrColumns = fault.Define("orderfile.columns", fault.Invalid,
		"应有 {want} 列，实际 {have} 列", "there are {have} columns instead of {want}")
	ErrRowTooLong = fault.Define("orderfile.row_too_long", fault.Invalid,
		"一行超过 64 KiB", "the row is longer than 64 KiB")
	ErrFieldTooLong = fault.Define("orderfile.field_too_long", fault.Invalid,
		"一个单元格超过 4 KiB", "a cell is longer than 4 KiB")
	ErrRequired = fault.Define("orderfile.required", fault.Invalid,
		"“{column}”不能为空", "{column} is empty")
	ErrFormula = fault.Define("orderfile.formula", fault.Invalid,
		"“{column}”以公式符号开头（= + - @ 或制表符）", "{column} begins like a formula (= + - @ or a tab)")
	ErrMangled = fault.Define("orderfile.mangled", fault.Invalid,
		"“{column}”被表格软件改成了科学计数法，原来的号码已丢失", "{column} was turned into scientific notation by a spreadsheet: the number is lost")
	ErrQuantity = fault.Define("orderfile.quantity", fault.Invalid,
		"“{column}”不是 100 万以内的整数", "{column} is not a whole number within a million")
	ErrPrice = fault.Define("orderfile.price", fault.Invalid,
		"“{column}”不是最多四位小数的单价", "{column} is not a price of at most four decimals")
	ErrAmount = fault.Define("orderfile.amount", fault.Invalid,
		"“{column}”不是最多两位小数的金额，或超出 1000 亿元", "{column} is not an amount of at most two decimals, within a hundred billion yuan")
	ErrAmountMismatch = fault.Define("orderfile.amount_mismatch", fault.Invalid,
		"该行金额大于数量乘以单价；金额列应是每行自己的金额，不是整单金额", "the amount is above quantity × price; it must be the row's own, not the order's total")
	ErrTime = fault.Define("orderfile.time", fault.Invalid,
		"“{column}”的时间无法识别或不存在", "{column} is not a time that exists in a known form")
	ErrTimeRange = fault.Define("orderfile.time_range", fault.Invalid,
		"“{column}”的时间不在 1990 至 2100 年之间", "{column} is not between 1990 and 2100")
)

// What is wrong with an order though each of its rows can be read.
var (
	ErrSplitOrder = fault.Define("orderfile.split_order", fault.Invalid,
		"订单号在前面已经出现过，内容不同；同一订单的行必须相邻", "the order number was there before with other content; rows of one order must be adjacent")
	ErrOrderTwice = fault.Define("orderfile.order_twice", fault.Invalid,
		"一行一单的文件中，同一订单号出现了多行", "the file has one row an order, but this number is on several rows")
	ErrOrderTooLong = fault.Define("orderfile.order_too_long", fault.Invalid,
		"一个订单超过 1 万行", "the order has more than ten thousand rows")
	ErrTotal = fault.Define("orderfile.total", fault.Invalid,
		"订单合计超出 1000 亿元", "the order's total is above a hundred billion yuan")
	ErrMemberMixed = fault.Define("orderfile.member_mixed", fault.Invalid,
		"同一订单的各行写了不同的会员", "the rows of the order name different members")
	ErrRefundMixed = fault.Define("orderfile.refund_mixed", fault.Invalid,
		"退款单里同时有正数行和负数行，无法判断", "the refund has positive and negative rows: it is ambiguous")
	ErrOriginal = fault.Define("orderfile.original", fault.Invalid,
		"写了原订单号，但金额为正且没有退款前缀，无法判断是订单还是退款", "the row names an original order but is neither negative nor has the refund prefix")
)
