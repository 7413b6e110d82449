#include <expat.h>

#include <memory>
#include <new>
#include <type_traits>

#include "namespace_budget.h"
#include "pubsub_mqtt/payload/xml_text.h"
#include "tree.h"
#include "xml_elements.h"

namespace pubsub_mqtt::payload {
namespace {

// Between namespace and name in what libexpat reports; no XML text can hold it.
constexpr char separator = '\x01';

constexpr std::string_view xmlns_xml = "http://www.w3.org/XML/1998/namespace";

struct Name {
  std::string_view xmlns;  // empty: none
  const char* local;
};

Name split(const char* expanded) {
  const std::string_view text = expanded;
  const std::size_t end = text.find(separator);
  if (end == std::string_view::npos) return {.xmlns = {}, .local = expanded};
  return {.xmlns = text.substr(0, end), .local = expanded + end + 1};
}

struct FreeParser {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};
using Parser = std::unique_ptr<std::remove_pointer_t<XML_Parser>, FreeParser>;

// Builds the tree from libexpat's events.
class TreeBuilder {
 public:
  // `max_declarations`: of namespaces, besides those of the text.
  TreeBuilder(std::string_view text, std::size_t max_declarations)
      : text_(text),
        parser_(XML_ParserCreateNS("UTF-8", separator)),
        declarations_left_(max_declarations),
        namespace_bytes_left_(namespace_growth * text.size() + namespace_allowance) {
    if (!parser_) throw std::bad_alloc();
    XML_SetUserData(parser_.get(), this);
    XML_SetElementHandler(parser_.get(), on_start_element, on_end_element);
    XML_SetCharacterDataHandler(parser_.get(), on_text);
    XML_SetXmlDeclHandler(parser_.get(), on_xml_declaration);
    XML_SetProcessingInstructionHandler(parser_.get(), on_processing_instruction);
    XML_SetStartDoctypeDeclHandler(parser_.get(), on_doctype);
  }

  std::variant<pugi::xml_document, Refused> build() {
    // An MQTT payload is shorter than 2^28 bytes (MQTT 3.1.1, 2.2.3).
    const auto status = XML_Parse(parser_.get(), text_.data(), static_cast<int>(text_.size()), XML_TRUE);
    if (out_of_memory_) throw std::bad_alloc();
    if (!refusal_.empty()) return Refused{refusal_};
    if (status == XML_STATUS_OK) return std::move(document_);
    const XML_Error error = XML_GetErrorCode(parser_.get());
    if (error == XML_ERROR_NO_MEMORY) throw std::bad_alloc();
    return Refused{XML_ErrorString(error)};
  }

 private:
  // libexpat is C: no exception may leave a handler. After a refusal some events may still come.
  template <typename Work>
  static void handle(void* self, Work work) {
    auto& builder = *static_cast<TreeBuilder*>(self);
    if (builder.out_of_memory_ || !builder.refusal_.empty()) return;
    try {
      work(builder);
    } catch (const std::bad_alloc&) {
      builder.out_of_memory_ = true;
      XML_StopParser(builder.parser_.get(), XML_FALSE);
    }
  }

  static void on_start_element(void* self, const char* name, const char** attributes) {
    handle(self, [=](TreeBuilder& builder) { builder.start_element(split(name), attributes); });
  }
  static void on_end_element(void* self, const char* /*name*/) {
    handle(self, [](TreeBuilder& builder) { builder.end_element(); });
  }
  static void on_text(void* self, const char* text, int size) {
    handle(self,
           [=](TreeBuilder& builder) { builder.pending_text_.append(text, static_cast<std::size_t>(size)); });
  }
  static void on_xml_declaration(void* self, const char* /*version*/, const char* /*encoding*/,
                                 int /*standalone*/) {
    handle(self, [](TreeBuilder& builder) { builder.refuse("the payload has an XML declaration"); });
  }
  static void on_processing_instruction(void* self, const char* /*target*/, const char* /*data*/) {
    handle(self, [](TreeBuilder& builder) { builder.refuse("the payload has a processing instruction"); });
  }
  static void on_doctype(void* self, const char* /*name*/, const char* /*system_id*/,
                         const char* /*public_id*/, int /*has_internal_subset*/) {
    handle(self, [](TreeBuilder& builder) { builder.refuse("the payload has a DOCTYPE"); });
  }

  void refuse(std::string_view reason) {
    refusal_ = reason;
    XML_StopParser(parser_.get(), XML_FALSE);
  }

  // Whether the tree may have one more declaration than the text; refuses if not.
  bool may_declare() {
    if (declarations_left_ == 0) {
      refuse(too_many_elements);
      return false;
    }
    --declarations_left_;
    return true;
  }

  // Whether a copy of a namespace name may be added to the tree; refuses if not.
  bool may_copy(std::string_view xmlns) {
    if (xmlns.size() > namespace_bytes_left_) {
      refuse("the payload repeats a long namespace name too often");
      return false;
    }
    namespace_bytes_left_ -= xmlns.size();
    return true;
  }

  void start_element(const Name& name, const char** attributes) {
    if (depth_ == max_xml_depth) return refuse("the payload's elements are nested too deeply");
    if (depth_ == 0 && name.xmlns.empty()) return refuse("the payload's element has no namespace");
    // Prosody would write the namespace as the default one, which no parser accepts (Namespaces in XML 1.0,
    // 3).
    if (name.xmlns == xmlns_xml) return refuse("the payload has an element with the prefix \"xml\"");
    if (!may_copy(name.xmlns)) return;
    flush_text();
    element_ = append_element(depth_ == 0 ? document_.root() : element_, name.local, name.xmlns);
    ++depth_;
    append_attributes(attributes);
  }

  // Name and value in turn, up to a null.
  void append_attributes(const char** attributes) {
    unsigned prefixes = 0;
    for (; *attributes != nullptr; attributes += 2) {
      const Name name = split(attributes[0]);
      const char* const value = attributes[1];
      if (name.xmlns.empty()) {
        append_attribute(element_, name.local, value);
      } else if (name.xmlns == xmlns_xml) {
        append_attribute(element_, (std::string("xml:") + name.local).c_str(), value);
      } else {
        if (!may_declare() || !may_copy(name.xmlns)) return;
        const std::string prefix = "ns" + std::to_string(++prefixes);
        append_attribute(element_, ("xmlns:" + prefix).c_str(), name.xmlns);
        append_attribute(element_, (prefix + ":" + name.local).c_str(), value);
      }
    }
  }

  void end_element() {
    flush_text();
    element_ = element_.parent();
    --depth_;
  }

  // libexpat reports text in pieces: around each reference, CDATA section and comment, and by line.
  void flush_text() {
    append_text(element_, pending_text_);
    pending_text_.clear();
  }

  std::string_view text_;
  Parser parser_;
  pugi::xml_document document_;
  pugi::xml_node element_;  // the innermost open one
  std::size_t depth_ = 0;
  std::string pending_text_;
  std::size_t declarations_left_;
  std::size_t namespace_bytes_left_;
  std::string_view refusal_;
  bool out_of_memory_ = false;
};

}  // namespace

std::variant<pugi::xml_document, Refused> parse_element(std::string_view text, std::size_t max_elements) {
  if (!is_xml_text(text)) {
    return Refused{"the payload is not UTF-8, or holds a character that XML 1.0 cannot carry"};
  }
  const std::size_t elements = max_elements == no_xml_limit ? 0 : count_elements(text, max_elements);
  if (elements > max_elements) return Refused{too_many_elements};
  return TreeBuilder(text, max_elements - elements).build();
}

}  // namespace pubsub_mqtt::payload
