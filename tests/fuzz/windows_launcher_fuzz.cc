// The Windows launcher reads what stands behind it, pyvenv.cfg and its command line within their bounds, and
// starts a program that is there, in quotes as the first word. The first line of the input is the command
// line.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int launch(const char* bytes, std::size_t size, const wchar_t* line);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::wstring line;
  for (const char c : text.substr(0, end)) line += static_cast<wchar_t>(static_cast<unsigned char>(c));
  const std::string behind(text.substr(std::min(end + 1, text.size())));
  if (launch(behind.data(), behind.size(), line.c_str()) < 0) std::abort();
  return 0;
}
