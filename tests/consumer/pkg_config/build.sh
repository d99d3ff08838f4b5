$CXX -std=c++20 main.cpp $(pkg-config --cflags --libs "ouro >= 0.1") -o consumer
