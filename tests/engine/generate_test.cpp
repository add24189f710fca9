#include "engine/generate.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

#include "base/error.h"
#include "engine/bundled.h"

namespace apr::engine {
namespace {

class Generate : public testing::Test {
 protected:
  Engine engine{test::kBundledModel, {.context = 256}};
  Session session{engine};

  std::vector<Token> prompt(const std::string& text) const {
    return engine.tokenizer().encode("<|im_start|>user\n" + text + "<|im_end|>\n<|im_start|>assistant\n",
                                     tokenizer::Special::Parse);
  }
  Request request(const std::string& text) const {
    Request r;
    r.prompt = prompt(text);
    return r;
  }
};

TEST_F(Generate, AnswersAndStops) {
  const Answer answer = generate(engine, session, request("What is 2+2?"));
  EXPECT_EQ(answer.text, "2 + 2 = 4");
  EXPECT_EQ(answer.finish, Finish::Stop);
  EXPECT_EQ(answer.prompt_tokens, 15u);
  EXPECT_EQ(answer.tokens.back(), engine.tokenizer().find_special("<|im_end|>"));
}

TEST_F(Generate, DeliversTheSameTextAsItComes) {
  std::string text;
  int pieces = 0;
  const Answer answer =
      generate(engine, session, request("Hi"), [&](std::string_view piece) { text += piece, ++pieces; });
  EXPECT_EQ(text, answer.text);
  EXPECT_GT(pieces, 3);
}

TEST_F(Generate, StopStringsAreHeldBackAndCutOff) {
  // "Hello! How can I help you today?"
  for (const auto& [stop, text] :
       {std::pair("help", "Hello! How can I "), {"you to", "Hello! How can I help "}, {"!", "Hello"}, {"Hello", ""}}) {
    Session fresh(engine);
    Request r = request("Hi");
    r.stop_strings = {"never there", stop};
    std::string streamed;
    const Answer answer = generate(engine, fresh, r, [&](std::string_view piece) { streamed += piece; });
    EXPECT_EQ(answer.text, text);
    EXPECT_EQ(streamed, text);
    EXPECT_EQ(answer.finish, Finish::StopString);
  }
}

TEST_F(Generate, ABeginningThatComesToNothingIsDelivered) {
  Request r = request("Hi");
  r.stop_strings = {"today? And", "Hello? ", "How can you"};
  const Answer answer = generate(engine, session, r);
  EXPECT_EQ(answer.text, "Hello! How can I help you today?");
  EXPECT_EQ(answer.finish, Finish::Stop);
}

TEST_F(Generate, EndsAtLengthAndContext) {
  Request r = request("Hi");
  r.max_tokens = 3;
  EXPECT_EQ(generate(engine, session, r).tokens.size(), 3u);
  r.max_tokens = 0;
  Session none(engine);
  const Answer nothing = generate(engine, none, r);
  EXPECT_TRUE(nothing.tokens.empty());
  EXPECT_EQ(nothing.finish, Finish::Length);
  r.max_tokens = -1;
  r.ignore_stop_tokens = true;
  Session full(engine);
  const Answer answer = generate(engine, full, r);
  EXPECT_EQ(answer.finish, Finish::Context);
  EXPECT_EQ(full.room(), 0);
  EXPECT_EQ(answer.tokens.size() + r.prompt.size(), 257u);  // the last one needs no room
}

TEST_F(Generate, RefusesBeforeItWorks) {
  Request r = request("Hi");
  r.max_tokens = 300;
  EXPECT_THROW(generate(engine, session, r), Error);
  r.max_tokens = -2;
  EXPECT_THROW(generate(engine, session, r), Error);
  r = request("Hi");
  r.stop_strings = {""};
  EXPECT_THROW(generate(engine, session, r), Error);
  r = request("Hi");
  r.sampling.top_p = 2;
  EXPECT_THROW(generate(engine, session, r), Error);
  EXPECT_TRUE(session.tokens().empty());
}

TEST_F(Generate, CancelKeepsWhatThereIs) {
  std::atomic<bool> cancel{false};
  int pieces = 0;
  const Answer answer = generate(
      engine, session, request("Hi"), [&](std::string_view) { cancel = ++pieces == 2; }, {}, &cancel);
  EXPECT_EQ(answer.finish, Finish::Interrupted);
  EXPECT_FALSE(answer.text.empty());
  EXPECT_LT(answer.text.size(), std::string("Hello! How can I help you today?").size());
  Session before(engine);
  const Answer none = generate(engine, before, request("Hi"), {}, {}, &cancel);
  EXPECT_EQ(none.finish, Finish::Interrupted);
  EXPECT_TRUE(none.text.empty());
}

TEST_F(Generate, SamplingIsReproducible) {
  Request r = request("Tell me something.");
  r.max_tokens = 30;
  r.sampling = {.temperature = 1.5f, .seed = 11};
  std::vector<std::vector<Token>> runs;
  for (uint64_t seed : {11, 11, 12}) {
    Session fresh(engine);
    r.sampling.seed = seed;
    runs.push_back(generate(engine, fresh, r).tokens);
  }
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_NE(runs[0], runs[2]);
}

TEST_F(Generate, RefusesWhenEveryTokenIsBanned) {
  Request r = request("Hi");
  for (int id = 0; id < engine.config().V; ++id) r.sampling.logit_bias[id] = -std::numeric_limits<float>::infinity();
  try {
    generate(engine, session, r);
    FAIL() << "a token was found";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::BadInput);
  }
}

/// A file whose weights were overwritten computes no numbers: that is said, not printed as a token.
TEST(DamagedWeights, AreNamed) {
  std::ifstream in(test::kBundledModel, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), {});
  const gguf::File sound = gguf::File::open(test::kBundledModel);
  const gguf::Tensor& norm = *sound.find("output_norm.weight");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(bytes.data() + norm.offset, &nan, sizeof nan);
  const auto path = std::filesystem::temp_directory_path() / "apr-damaged-weights-test.gguf";
  std::ofstream(path, std::ios::binary) << bytes;
  Engine engine(path, {.context = 64});
  Session session(engine);
  Request r;
  r.prompt = {1, 2, 3};
  try {
    generate(engine, session, r);
    ADD_FAILURE() << "it had an answer";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::BadModel);
    EXPECT_NE(std::string(e.what()).find(path.string()), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("not a number"), std::string::npos) << e.what();
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace apr::engine
