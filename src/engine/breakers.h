#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace apr::engine {

/// For sampling::Params::dry_breakers: the tokens in whose bytes one of the texts stands, and all control tokens, so
/// that no repeat goes from one message into another, and the end of a turn is never penalised. errors  Usage for an
/// empty text, and for one that stands in no token; that of Engine::tokenizer()
std::vector<uint64_t> breakers_of(const Engine& engine, std::span<const std::string> texts);

}  // namespace apr::engine
