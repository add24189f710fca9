#include "base/error.h"

namespace apr {

std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::Internal:
      return "Internal";
    case ErrorCode::Usage:
      return "Usage";
    case ErrorCode::Io:
      return "Io";
    case ErrorCode::BadFile:
      return "BadFile";
    case ErrorCode::UnsupportedOperation:
      return "UnsupportedOperation";
    case ErrorCode::BadModel:
      return "BadModel";
    case ErrorCode::Context:
      return "Context";
    case ErrorCode::Memory:
      return "Memory";
    case ErrorCode::BadInput:
      return "BadInput";
    case ErrorCode::Template:
      return "Template";
  }
  return "Internal";
}

}  // namespace apr
