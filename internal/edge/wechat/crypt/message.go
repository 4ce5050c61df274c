// Package crypt is the cryptography of WeChat, WeChat Pay and WeCom, as they define it (微信加解密): signatures and sealed texts, nothing
// that touches the network. All of it is checked against values the platforms or others have published.
package crypt

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1" // #nosec G505 -- the platform's signatures are SHA-1
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"sort"
	"strings"

	"guanxi/internal/base/id"
)

// What a message or an open-data text is turned away for.
var (
	ErrMessageSignature = errors.New("wechat: the signature of the message does not fit")
	ErrMessageSealed    = errors.New("wechat: the message can't be opened")
	ErrMessageReceiver  = errors.New("wechat: the message is for another account")
	ErrMessageKey       = errors.New("wechat: an EncodingAESKey has 43 letters and digits")
)

// SortedSHA1 is the signature of callbacks and card extensions: SHA-1 over the sorted values.
func SortedSHA1(values ...string) string {
	sort.Strings(values)
	return sha1Hex(strings.Join(values, ""))
}

func sha1Hex(text string) string {
	sum := sha1.Sum([]byte(text)) // #nosec G401 -- as the platform defines it
	return hex.EncodeToString(sum[:])
}

// same compares without telling by its duration where two texts differ.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// CheckPlain verifies the signature of a callback's address: plain mode, and every address check of an OA.
func CheckPlain(token, signature, timestamp, nonce string) error {
	if token == "" || !same(signature, SortedSHA1(token, timestamp, nonce)) {
		return ErrMessageSignature
	}
	return nil
}

// MessageKey opens and seals messages of one account. It holds the key ready, so that one value serves all messages.
type MessageKey struct {
	token    string
	receiver string // appid, corpid or suiteid
	block    cipher.Block
	iv       []byte
}

// NewMessageKey reads an EncodingAESKey.
func NewMessageKey(token, encodingAESKey, receiver string) (*MessageKey, error) {
	key, err := base64.StdEncoding.DecodeString(encodingAESKey + "=")
	if err != nil || len(key) != 32 || token == "" {
		return nil, ErrMessageKey
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, ErrMessageKey
	}
	return &MessageKey{token: token, receiver: receiver, block: block, iv: key[:16]}, nil
}

// Signature is the msg_signature over a sealed text.
func (k *MessageKey) Signature(timestamp, nonce, sealed string) string {
	return SortedSHA1(k.token, timestamp, nonce, sealed)
}

// Open verifies and opens a sealed message; the address check of WeCom is one, too.
func (k *MessageKey) Open(signature, timestamp, nonce, sealed string) ([]byte, error) {
	if !same(signature, k.Signature(timestamp, nonce, sealed)) {
		return nil, ErrMessageSignature
	}
	text, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(text) < 32 || len(text)%aes.BlockSize != 0 {
		return nil, ErrMessageSealed
	}
	cipher.NewCBCDecrypter(k.block, k.iv).CryptBlocks(text, text)
	if text, err = unpad(text, messagePad); err != nil || len(text) < messageHead {
		return nil, ErrMessageSealed
	}
	n := int64(binary.BigEndian.Uint32(text[16:messageHead]))
	if n > int64(len(text)-messageHead) {
		return nil, ErrMessageSealed
	}
	if !same(string(text[messageHead+n:]), k.receiver) {
		return nil, ErrMessageReceiver
	}
	return text[messageHead : messageHead+n], nil
}

const (
	messagePad  = 32
	messageHead = 20 // 16 random bytes and the length
)

// Seal seals a reply and gives it with its signature.
func (k *MessageKey) Seal(text []byte, timestamp, nonce string) (sealed, signature string) {
	return k.seal(id.Token(12), text, timestamp, nonce)
}

// seal takes the 16 random bytes as an argument, so that a published value can be made again.
func (k *MessageKey) seal(random string, text []byte, timestamp, nonce string) (sealed, signature string) {
	plain := binary.BigEndian.AppendUint32([]byte(random), uint32(len(text))) // #nosec G115 -- bodies are at most a megabyte
	plain = append(append(plain, text...), k.receiver...)
	n := messagePad - len(plain)%messagePad
	plain = append(plain, bytes.Repeat([]byte{byte(n)}, n)...)
	cipher.NewCBCEncrypter(k.block, k.iv).CryptBlocks(plain, plain)
	sealed = base64.StdEncoding.EncodeToString(plain)
	return sealed, k.Signature(timestamp, nonce, sealed)
}

// unpad takes PKCS#7 padding off.
func unpad(text []byte, most int) ([]byte, error) {
	if len(text) == 0 {
		return nil, ErrMessageSealed
	}
	n := int(text[len(text)-1])
	if n < 1 || n > most || n > len(text) {
		return nil, ErrMessageSealed
	}
	for _, b := range text[len(text)-n:] {
		if int(b) != n {
			return nil, ErrMessageSealed
		}
	}
	return text[:len(text)-n], nil
}

// JSSDK is the signature of wx.config; the address is taken without its fragment.
func JSSDK(ticket, nonce, timestamp, url string) string {
	url, _, _ = strings.Cut(url, "#")
	return sha1Hex("jsapi_ticket=" + ticket + "&noncestr=" + nonce + "&timestamp=" + timestamp + "&url=" + url)
}

// CheckOpenData verifies what wx.getUserInfo gives beside rawData.
func CheckOpenData(rawData, sessionKey, signature string) error {
	if !same(signature, sha1Hex(rawData+sessionKey)) {
		return ErrMessageSignature
	}
	return nil
}

// SessionSignature proves to the platform that we hold a session_key, without sending it.
func SessionSignature(sessionKey, text string) string {
	mac := hmac.New(sha256.New, []byte(sessionKey))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// OpenData opens the encryptedData of a mini program and checks that it was sealed for our appid.
func OpenData(appid, sessionKey, iv, sealed string) ([]byte, error) {
	key, err1 := base64.StdEncoding.DecodeString(sessionKey)
	vec, err2 := base64.StdEncoding.DecodeString(iv)
	text, err3 := base64.StdEncoding.DecodeString(sealed)
	if errors.Join(err1, err2, err3) != nil || len(key) != 16 || len(vec) != aes.BlockSize || len(text) == 0 || len(text)%aes.BlockSize != 0 {
		return nil, ErrMessageSealed
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, ErrMessageSealed
	}
	cipher.NewCBCDecrypter(block, vec).CryptBlocks(text, text)
	if text, err = unpad(text, aes.BlockSize); err != nil {
		return nil, err
	}
	var mark struct {
		Watermark struct {
			AppID string `json:"appid"`
		} `json:"watermark"`
	}
	if err := json.Unmarshal(text, &mark); err != nil {
		return nil, ErrMessageSealed
	}
	if mark.Watermark.AppID != appid {
		return nil, ErrMessageReceiver
	}
	return text, nil
}
