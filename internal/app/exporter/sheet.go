package exporter

import (
	"archive/zip"
	"bufio"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/money"
)

// sheet takes rows one by one; nothing of them is kept.
type sheet interface {
	row(cells []any) error
	close() error
}

// At is an instant in a cell, 0 for none; Fen is money.
type (
	// At is an instant in a cell; 0 is an empty one.
	At int64
	// Fen is money in a cell, shown in yuan.
	Fen int64
)

// text is a cell as people read it; number says that it is one.
func text(z clock.Zone, cell any) (s string, number bool) {
	switch v := cell.(type) {
	case At:
		if v == 0 || int64(v) >= clock.Never {
			return "", false
		}
		return z.Format("2006-01-02 15:04:05", int64(v)), false
	case Fen:
		return money.Fen(v).String(), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case int:
		return strconv.Itoa(v), true
	case string:
		return v, false
	}
	return fmt.Sprint(cell), false
}

// csvSheet writes what Excel opens with a double click: a byte order mark, so that it takes the text for UTF-8.
type csvSheet struct {
	w    *csv.Writer
	zone clock.Zone
	line []string
}

func newCSV(w io.Writer, z clock.Zone) (*csvSheet, error) {
	_, err := io.WriteString(w, "\ufeff")
	return &csvSheet{w: csv.NewWriter(w), zone: z}, err
}

func (s *csvSheet) row(cells []any) error {
	s.line = s.line[:0]
	for _, c := range cells {
		t, number := text(s.zone, c)
		if !number {
			t = safe(t)
		}
		s.line = append(s.line, t)
	}
	return s.w.Write(s.line)
}

func (s *csvSheet) close() error {
	s.w.Flush()
	return s.w.Error()
}

// safe keeps a spreadsheet from running a text as a formula.
func safe(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// xlsxSheet writes the smallest workbook that spreadsheets take: one sheet, texts in the cells themselves, which are
// never formulas. It streams, so that no row of it waits in a temporary file in the clear.
type xlsxSheet struct {
	zip  *zip.Writer
	w    *bufio.Writer
	zone clock.Zone
	n    int
}

const (
	xmlHead   = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	sheetNS   = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	relsNS    = "http://schemas.openxmlformats.org/package/2006/relationships"
	docRels   = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	typePlain = "application/vnd.openxmlformats-officedocument.spreadsheetml."
)

var xlsxParts = [][2]string{
	{"[Content_Types].xml", xmlHead + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="` + typePlain + `sheet.main+xml"/>` +
		`<Override PartName="/xl/styles.xml" ContentType="` + typePlain + `styles+xml"/>` +
		`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="` + typePlain + `worksheet+xml"/></Types>`},
	{"_rels/.rels", xmlHead + `<Relationships xmlns="` + relsNS + `"><Relationship Id="rId1" Type="` + docRels + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
	{"xl/workbook.xml", xmlHead + `<workbook xmlns="` + sheetNS + `" xmlns:r="` + docRels + `"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>`},
	{"xl/_rels/workbook.xml.rels", xmlHead + `<Relationships xmlns="` + relsNS + `"><Relationship Id="rId1" Type="` + docRels + `/worksheet" Target="worksheets/sheet1.xml"/>` +
		`<Relationship Id="rId2" Type="` + docRels + `/styles" Target="styles.xml"/></Relationships>`},
	// Style 0 is plain, style 1 has two decimals: money.
	{"xl/styles.xml", xmlHead + `<styleSheet xmlns="` + sheetNS + `"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>` +
		`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
		`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>` +
		`<cellXfs count="2"><xf/><xf numFmtId="2" applyNumberFormat="1"/></cellXfs></styleSheet>`},
}

func newXLSX(w io.Writer, z clock.Zone) (*xlsxSheet, error) {
	s := &xlsxSheet{zip: zip.NewWriter(w), zone: z}
	for _, p := range xlsxParts {
		part, err := s.zip.Create(p[0])
		if err == nil {
			_, err = io.WriteString(part, p[1])
		}
		if err != nil {
			return nil, err
		}
	}
	part, err := s.zip.Create("xl/worksheets/sheet1.xml")
	if err != nil {
		return nil, err
	}
	s.w = bufio.NewWriterSize(part, 64<<10)
	_, err = s.w.WriteString(xmlHead + `<worksheet xmlns="` + sheetNS + `"><sheetViews><sheetView workbookViewId="0">` +
		`<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>`)
	return s, err
}

func (s *xlsxSheet) row(cells []any) error {
	s.n++
	_, _ = fmt.Fprintf(s.w, `<row r="%d">`, s.n)
	for i, c := range cells {
		t, number := text(s.zone, c)
		ref := string(rune('A'+i)) + strconv.Itoa(s.n)
		switch {
		case t == "":
		case number:
			style := 0
			if _, money := c.(Fen); money {
				style = 1
			}
			_, _ = fmt.Fprintf(s.w, `<c r="%s" s="%d"><v>%s</v></c>`, ref, style, t)
		default:
			_, _ = fmt.Fprintf(s.w, `<c r="%s" t="inlineStr"><is><t xml:space="preserve">`, ref)
			if err := xml.EscapeText(s.w, []byte(t)); err != nil {
				return err
			}
			_, _ = s.w.WriteString(`</t></is></c>`)
		}
	}
	_, err := s.w.WriteString("</row>") // a bufio.Writer keeps its first error
	return err
}

func (s *xlsxSheet) close() error {
	_, _ = s.w.WriteString("</sheetData></worksheet>")
	if err := s.w.Flush(); err != nil {
		return err
	}
	return s.zip.Close()
}
